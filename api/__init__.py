"""Every way in for people and programs: the command line now, REST and pages to follow."""
