"""Make the page that `dvc plots` fills, with Vega in it, so that plots open without a network."""

import subprocess
from pathlib import Path

import vl_convert

from mer.io.files import write_text

VEGA_LITE = "5.20"  # of the plots that DVC writes
SNIPPET = "window.vegaEmbed = vegaEmbed"  # which draws every plot
PAGE = Path(".mer/plots.html")
HTML = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
{refresh_tag}
<title>DVC plots</title>
<script>%s</script>
</head>
<body>
{plot_divs}
</body>
</html>
"""

write_text(PAGE, HTML % vl_convert.javascript_bundle(SNIPPET, VEGA_LITE))
option = ["--local", "plots.html_template", f"../{PAGE}"]  # relative to .dvc/config.local
subprocess.run(["dvc", "config", *option], check=True)
