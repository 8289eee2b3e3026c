"""The documentation as a site: ``make docs`` builds it from these pages, and needs nothing of the internet."""

from importlib.metadata import version as version_of

project = "Signalpost"
author = "the Signalpost authors"
copyright = "the Signalpost authors, Apache-2.0"  # noqa: A001 - Sphinx wants this name
release = version = version_of("signalpost")

extensions = ["myst_parser"]
exclude_patterns = ["images"]  # pictures come into the site by the pages that show them
myst_heading_anchors = 4  # a heading is linked to by its name, as code hosts do
myst_links_external_new_tab = False
nitpicky = True
show_warning_types = True

html_theme = "furo"
html_title = f"Signalpost {release}"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
highlight_language = "text"
