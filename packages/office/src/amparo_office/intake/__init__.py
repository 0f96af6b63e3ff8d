"""What comes in and goes out: imports, templates, forms, exports."""
