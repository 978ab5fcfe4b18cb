COPY public.customers_customer (id, user_id, address, notes) FROM stdin;
1	17	Calle 1, Lima\nPeru	\N
2	18	\\x	\t
\.
