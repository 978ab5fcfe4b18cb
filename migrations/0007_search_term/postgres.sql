-- Nothing here: GIN finds the tokens of a beginning by itself, and puts their rows together in a bitmap.
SELECT 1;
