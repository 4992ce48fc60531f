"""
The upload page.

    page     this page, and the addresses of its script
    preview  the effect of an upload, before a byte is sent
    names    names for a file whose own name is taken
    outcome  the result of one uploaded file, and the state of the attempts of the page
    form     its form, and the texts of its script
"""
