"""The program: command line, settings and demo. It joins the parts and holds no logic of theirs."""
