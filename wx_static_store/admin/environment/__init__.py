"""
What the overview shows of environments, the page of one, and *Publish a site*.

    publish  the page *Publish a site*
    page     what the page of one environment shows
    table    what the page *Overview* shows
    hosting  where its site is, and the state of its hosting
    charts   small charts as SVG
"""
