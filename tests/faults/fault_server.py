"""What the fork server loads and nobody else: the stages as they are for fault tests, which no other test must see."""

import fault_stages

fault_stages.quicken()
