INSERT INTO "customers_customer" VALUES(1,17,X'00ff',1.5e3);
/* a */ INSERT INTO customers_customer (id, notes) VALUES (1, E'a\x41'), (2, $a$it$a$);
