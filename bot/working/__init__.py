"""What workers do, one kind of work a module. Each looks at GitHub and the store anew, so that it may be done again."""
