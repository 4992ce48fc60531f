"""
The upload page.

    page     this page, and where its script asks
    preview  what an upload would do, before a byte is sent
    status   what became of the attempts of the page
    names    names for a file whose own name is taken
    outcome  the result of one uploaded file, as the page shows it
    form     its form, and the texts of its script
"""
