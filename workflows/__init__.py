"""All that runs: settings, calculators, jobs, flows, plan, engines, the command line."""
