"""What differs from one database to the next; ``WX_TEST_DATABASE`` chooses."""
