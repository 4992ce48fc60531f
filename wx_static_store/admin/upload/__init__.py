"""
The upload page.

    page     this page, and the addresses of its script
    status   the state of the attempts of the page
    preview  the effect of an upload, before a byte is sent
    names    names for a file whose own name is taken
    outcome  the result of one uploaded file, as the page shows it
    form     its form, and the texts of its script
"""
