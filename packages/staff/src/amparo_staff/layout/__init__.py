"""Page layout, icons, security headers, the language of a page."""
