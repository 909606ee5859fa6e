"""Reading an order log: which columns and rows count, with every row and cent accounted for."""
