from stand_in import run

run(workers=2)
