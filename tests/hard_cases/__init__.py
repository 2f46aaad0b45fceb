"""One test for every row of the hard cases, named `test_case_<row>_<claim>`."""
