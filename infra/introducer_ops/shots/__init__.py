"""Every page of the portal as people see it: `make shots`.

found = crawl(url, logins)        # which pages there are, for whom, and which links lead nowhere
seen = look(found, passes, …)     # each at two widths, in all languages, light and dark: pictures and what is wrong
lay_out(seen, folder)             # contact sheets
"""
