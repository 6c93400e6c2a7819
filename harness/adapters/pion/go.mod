module hairpin/pion

go 1.19
