-- PostgreSQL database dump: customers of the customer service of the first version

CREATE TABLE public.customers (
    id integer NOT NULL,
    user_id integer,
    first_name character varying(100),
    last_name character varying(100),
    email character varying(255),
    phone character varying(20),
    address text,
    is_verified boolean DEFAULT false,
    total_services integer DEFAULT 0,
    created_at timestamp with time zone
);

COPY public.customers (id, user_id, first_name, last_name, email, phone, address, is_verified, total_services, created_at) FROM stdin;
1	17	Ada	Byron	ada.byron@example.com	+15035550131	123 Main St, Portland, OR, 97201, USA	t	4	2021-02-03 10:00:00+00
2	18	Edgar	Codd	edgar.codd@example.com	+15035550132	88 Harbor Way, Astoria, Oregon 97103, United States	t	11	2020-11-19 08:15:00+00
3	23	Mary	Somerville	mary.somerville@example.com	\N	5 King's Mews, London, WC1N 2JB, UK	f	0	2024-05-27 12:00:00+00
4	31	Hedy	Lamarr	hedy.lamarr@example.com	+12125550134	next to the cinema	f	1	2023-10-08 16:45:00+00
5	\N	Alan	Kay	alan.kay@example.com	+16175550135	27 Beacon St, Boston, MA 02108	t	2	2022-08-30 09:00:00+00
\.
