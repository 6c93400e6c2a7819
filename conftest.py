"""Makes `pytest scenarios` run the scenarios; tests/ has a conftest.py of its own."""
pytest_plugins = ["hairpin_pytest"]
