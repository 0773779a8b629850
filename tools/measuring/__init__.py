"""What benchmarks, reliability trials and rehearsals share: servers of this machine, and pages."""
