"""The API's endpoints, one file per noun; every module here is loaded with the application."""
