"""Running untrusted programs: the code of responses under the tests of rubrics."""
