"""Reports as self-contained HTML pages: one template, tables, and figures as inline SVG."""
