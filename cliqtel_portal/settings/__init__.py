"""Settings: `dev` for one machine, `test` for the suite, `prod` for servers, all on `base`."""
