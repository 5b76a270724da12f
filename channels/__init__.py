"""How customers reach the centre: one folder for each channel or vendor."""
