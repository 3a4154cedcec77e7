var also = 5;
