CREATE TABLE `customers_customer` (`id` int, `address` text);
INSERT INTO `customers_customer` (`id`,`user_id`,`address`) VALUES (1,17,'O\'Neil'),(2,NULL,'a''b');
