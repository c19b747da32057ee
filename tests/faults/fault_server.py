"""Loaded only by the fork server: patches the stages for the fault tests, hidden from all other tests."""

import fault_stages

fault_stages.quicken()
