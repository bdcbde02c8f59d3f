"""Stillpoint: practice management for clinics that give massage to people with migraine."""
