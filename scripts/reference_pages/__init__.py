"""One module for each page of docs/reference; each has `page()`, the page as Markdown."""
