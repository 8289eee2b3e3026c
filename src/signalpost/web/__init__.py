"""The console: pages for people, made on the server. Views read a request, call what the API calls, and show."""
