"""Django's admin at `/admin/`, for staff: users, articles, rooms and messages.

site.py       the site: our sign-in, a strict policy, messages without a middleware
users.py ...  what is shown of each table
models.py     messages by one key, which is what the admin needs
"""
