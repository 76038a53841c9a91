"""What the tests share: clones, miniature corpora, damaged files, workbooks, weights."""
