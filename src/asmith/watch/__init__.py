"""`asmith watch`: stays resident, builds what is saved, and keeps the program running."""
