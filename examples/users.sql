-- PostgreSQL database dump: users of the authentication service of the first version

CREATE TABLE public.users (
    id integer NOT NULL,
    email character varying(255) NOT NULL,
    first_name character varying(100),
    last_name character varying(100),
    phone_number character varying(20),
    user_role character varying(20) DEFAULT 'customer'
);

COPY public.users (id, email, first_name, last_name, phone_number, user_role) FROM stdin;
17	ada.byron@example.com	Augusta Ada	Byron	+15035550131	customer
18	edgar.codd@example.com	Edgar	Codd	+15035550132	customer
23	mary.somerville@example.com	Mary	Somerville	\N	customer
31	hedy.lamarr@example.com	Hedy	Lamarr	+12125550134	customer
40	grace.hopper@example.com	Grace	Hopper	+12025550140	admin
\.
