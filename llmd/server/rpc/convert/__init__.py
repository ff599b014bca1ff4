"""Messages of model.proto to native nouns and back, pure: requests.py (what is asked for texts and
vectors), answers.py (those answers), models.py (the directory and deployments).

Must not know services, calls or anything of a transport.
"""
