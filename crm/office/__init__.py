"""The rules that the office keeps for itself: days off, dated rates and times, who decides what."""
