"""Single images and sets of them: opened safely, inspected, checked and compared."""
