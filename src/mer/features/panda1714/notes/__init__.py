"""Notes that panda1714 finds in a melody, and what is measured of them."""
