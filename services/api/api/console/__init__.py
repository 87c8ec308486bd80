"""The web console: one folder a page, each with its views, urls, templates and files; what they share is here.

page.py           renders a page with the strict Content-Security-Policy and what base.html needs
navigation.py     the pages, in the order of the menu
folders.py        the pages' folders, for Django's template and file finders
templates/        base.html
static/           the style sheet, the theme, and the modules that pages share
"""
