"""What each DVC stage calls, a module per stage."""
