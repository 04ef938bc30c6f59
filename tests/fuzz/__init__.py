"""`make fuzz`: hostile answers, guided by the code that they reach (atheris). Seeds are recorded when it begins."""
