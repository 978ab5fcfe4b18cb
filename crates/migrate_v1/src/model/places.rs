//! Facts about addresses of the countries that customers most often come from: how postal codes look, and what states are
//! called. Codes and names are those of libaddressinput's metadata. A country that is not here has neither.

/// What is known about the addresses of one country.
pub struct Country {
    /// ISO 3166, two letters.
    pub code: &'static str,
    /// Shapes of its postal codes without spaces and hyphens, separated by spaces: `9` is a digit, `A` a letter.
    pub postcodes: &'static str,
    /// Does it stand before the city?
    pub postcode_first: bool,
    /// Does every address have a postal code?
    pub needs_postcode: bool,
    /// Its states: separated by semicolons, the spellings of one by bars.
    pub states: &'static str,
}

/// In the order of their codes.
pub const COUNTRIES: &[Country] = &[
    Country {
        code: "AR",
        postcodes: "9999 A9999AAA A9999",
        postcode_first: true,
        needs_postcode: false,
        states: "Buenos Aires;Catamarca;Chaco;Chubut;Ciudad Autónoma de Buenos Aires;Córdoba;Corrientes;\
                 Entre Ríos;Formosa;Jujuy;La Pampa;La Rioja;Mendoza;Misiones;Neuquén;Río Negro;Salta;San Juan;\
                 San Luis;Santa Cruz;Santa Fe;Santiago del Estero;Tierra del Fuego;Tucumán",
    },
    Country {
        code: "AU",
        postcodes: "9999",
        postcode_first: false,
        needs_postcode: true,
        states: "ACT|Australian Capital Territory;JBT|Jervis Bay Territory;NSW|New South Wales;\
                 NT|Northern Territory;QLD|Queensland;SA|South Australia;TAS|Tasmania;VIC|Victoria;\
                 WA|Western Australia",
    },
    Country {
        code: "BR",
        postcodes: "99999999",
        postcode_first: false,
        needs_postcode: true,
        states: "AC|Acre;AL|Alagoas;AP|Amapá;AM|Amazonas;BA|Bahia;CE|Ceará;DF|Distrito Federal;\
                 ES|Espírito Santo;GO|Goiás;MA|Maranhão;MT|Mato Grosso;MS|Mato Grosso do Sul;MG|Minas Gerais;\
                 PA|Pará;PB|Paraíba;PR|Paraná;PE|Pernambuco;PI|Piauí;RJ|Rio de Janeiro;RN|Rio Grande do Norte;\
                 RS|Rio Grande do Sul;RO|Rondônia;RR|Roraima;SC|Santa Catarina;SP|São Paulo;SE|Sergipe;\
                 TO|Tocantins",
    },
    Country {
        code: "CA",
        postcodes: "A9A9A9",
        postcode_first: false,
        needs_postcode: true,
        states: "AB|Alberta;BC|British Columbia;MB|Manitoba;NB|New Brunswick;NL|Newfoundland and Labrador;\
                 NT|Northwest Territories;NS|Nova Scotia;NU|Nunavut;ON|Ontario;PE|Prince Edward Island;\
                 QC|Quebec;SK|Saskatchewan;YT|Yukon",
    },
    Country {
        code: "CL",
        postcodes: "9999999",
        postcode_first: true,
        needs_postcode: false,
        states: "Antofagasta;Araucanía;Arica y Parinacota;Atacama;\
                 Aysén|Aysén del General Carlos Ibáñez del Campo;Biobío;Coquimbo;\
                 O'Higgins|Libertador General Bernardo O'Higgins;Los Lagos;Los Ríos;\
                 Magallanes|Magallanes y de la Antártica Chilena;Maule;\
                 Región Metropolitana|Metropolitana de Santiago;Ñuble;Tarapacá;Valparaíso",
    },
    Country {
        code: "CO",
        postcodes: "999999",
        postcode_first: false,
        needs_postcode: false,
        states: "Amazonas;Antioquia;Arauca;Atlántico;Bogotá;Bolívar;Boyacá;Caldas;Caquetá;Casanare;Cauca;Cesar;\
                 Chocó;Córdoba;Cundinamarca;Guainía;Guaviare;Huila;La Guajira;Magdalena;Meta;Nariño;\
                 Norte de Santander;Putumayo;Quindío;Risaralda;San Andrés y Providencia;Santander;Sucre;Tolima;\
                 Valle del Cauca;Vaupés;Vichada;Bogotá D.C.|Bogota DC|Bogotá Distrito Capital",
    },
    Country { code: "DE", postcodes: "99999", postcode_first: true, needs_postcode: true, states: "" },
    Country {
        code: "ES",
        postcodes: "99999",
        postcode_first: true,
        needs_postcode: true,
        states: "VI|Álava;AB|Albacete;Alicante;AL|Almería;Asturias;AV|Ávila;BA|Badajoz;Barcelona;BU|Burgos;\
                 CC|Cáceres;CA|Cádiz;Cantabria;CS|Castellón;CE|Ceuta;CR|Ciudad Real;CO|Córdoba;CU|Cuenca;\
                 GI|Girona;GR|Granada;GU|Guadalajara;SS|Guipúzcoa;Huelva;HU|Huesca;PM|Islas Baleares;Jaén;\
                 La Coruña;LO|La Rioja;GC|Las Palmas;LE|León;Lérida;LU|Lugo;Madrid;MA|Málaga;ML|Melilla;\
                 MU|Murcia;NA|Navarra;OR|Ourense;Palencia;PO|Pontevedra;SA|Salamanca;TF|Santa Cruz de Tenerife;\
                 SG|Segovia;SE|Sevilla;SO|Soria;Tarragona;TE|Teruel;TO|Toledo;Valencia;VA|Valladolid;BI|Vizcaya;\
                 ZA|Zamora;Zaragoza",
    },
    Country { code: "FR", postcodes: "99999", postcode_first: true, needs_postcode: true, states: "" },
    Country {
        code: "GB",
        postcodes: "A99AA A999AA AA99AA AA999AA A9A9AA AA9A9AA",
        postcode_first: false,
        needs_postcode: true,
        states: "",
    },
    Country {
        code: "IN",
        postcodes: "999999",
        postcode_first: false,
        needs_postcode: true,
        states: "Andaman and Nicobar Islands|Andaman & Nicobar|AN;Andhra Pradesh|AP;Arunachal Pradesh|AR;\
                 Assam|AS;Bihar|BR;Chandigarh|CH;Chhattisgarh|CT;\
                 Dadra and Nagar Haveli and Daman and Diu|Dadra & Nagar Haveli & Daman & Diu|DH;Delhi|DL;Goa|GA;\
                 Gujarat|GJ;Haryana|HR;Himachal Pradesh|HP;Jammu and Kashmir|Jammu & Kashmir|JK;Jharkhand|JH;\
                 Karnataka|KA;Kerala|KL;Ladakh|LA;Lakshadweep|LD;Madhya Pradesh|MP;Maharashtra|MH;Manipur|MN;\
                 Meghalaya|ML;Mizoram|MZ;Nagaland|NL;Odisha|OR;Puducherry|PY;Punjab|PB;Rajasthan|RJ;Sikkim|SK;\
                 Tamil Nadu|TN;Telangana|TG;Tripura|TR;Uttar Pradesh|UP;Uttarakhand|UT;West Bengal|WB",
    },
    Country {
        code: "IT",
        postcodes: "99999",
        postcode_first: true,
        needs_postcode: true,
        states: "AG|Agrigento;AL|Alessandria;AN|Ancona;AO|Aosta;AR|Arezzo;AP|Ascoli Piceno;AT|Asti;AV|Avellino;\
                 BA|Bari;BT|Barletta-Andria-Trani;BL|Belluno;BN|Benevento;BG|Bergamo;BI|Biella;BO|Bologna;\
                 BZ|Bolzano;BS|Brescia;BR|Brindisi;CA|Cagliari;CL|Caltanissetta;CB|Campobasso;CE|Caserta;\
                 CT|Catania;CZ|Catanzaro;CH|Chieti;CO|Como;CS|Cosenza;CR|Cremona;KR|Crotone;CN|Cuneo;EN|Enna;\
                 FM|Fermo;FE|Ferrara;FI|Firenze;FG|Foggia;FC|Forlì-Cesena;FR|Frosinone;GE|Genova;GO|Gorizia;\
                 GR|Grosseto;IM|Imperia;IS|Isernia;AQ|L'Aquila;SP|La Spezia;LT|Latina;LE|Lecce;LC|Lecco;\
                 LI|Livorno;LO|Lodi;LU|Lucca;MC|Macerata;MN|Mantova;MS|Massa-Carrara;MT|Matera;ME|Messina;\
                 MI|Milano;MO|Modena;MB|Monza e Brianza;NA|Napoli;NO|Novara;NU|Nuoro;OR|Oristano;PD|Padova;\
                 PA|Palermo;PR|Parma;PV|Pavia;PG|Perugia;PU|Pesaro e Urbino;PE|Pescara;PC|Piacenza;PI|Pisa;\
                 PT|Pistoia;PN|Pordenone;PZ|Potenza;PO|Prato;RG|Ragusa;RA|Ravenna;RC|Reggio Calabria;\
                 RE|Reggio Emilia;RI|Rieti;RN|Rimini;RM|Roma;RO|Rovigo;SA|Salerno;SS|Sassari;SV|Savona;SI|Siena;\
                 SR|Siracusa;SO|Sondrio;SU|Sud Sardegna;TA|Taranto;TE|Teramo;TR|Terni;TO|Torino;TP|Trapani;\
                 TN|Trento;TV|Treviso;TS|Trieste;UD|Udine;VA|Varese;VE|Venezia;VB|Verbano-Cusio-Ossola;\
                 VC|Vercelli;VR|Verona;VV|Vibo Valentia;VI|Vicenza;VT|Viterbo",
    },
    Country {
        code: "JP",
        postcodes: "9999999",
        postcode_first: false,
        needs_postcode: true,
        states: "北海道|Hokkaido;青森県|Aomori;岩手県|Iwate;宮城県|Miyagi;秋田県|Akita;山形県|Yamagata;福島県|Fukushima;茨城県|Ibaraki;\
                 栃木県|Tochigi;群馬県|Gunma;埼玉県|Saitama;千葉県|Chiba;東京都|Tokyo;神奈川県|Kanagawa;新潟県|Niigata;富山県|Toyama;\
                 石川県|Ishikawa;福井県|Fukui;山梨県|Yamanashi;長野県|Nagano;岐阜県|Gifu;静岡県|Shizuoka;愛知県|Aichi;三重県|Mie;\
                 滋賀県|Shiga;京都府|Kyoto;大阪府|Osaka;兵庫県|Hyogo;奈良県|Nara;和歌山県|Wakayama;鳥取県|Tottori;島根県|Shimane;\
                 岡山県|Okayama;広島県|Hiroshima;山口県|Yamaguchi;徳島県|Tokushima;香川県|Kagawa;愛媛県|Ehime;高知県|Kochi;\
                 福岡県|Fukuoka;佐賀県|Saga;長崎県|Nagasaki;熊本県|Kumamoto;大分県|Oita;宮崎県|Miyazaki;鹿児島県|Kagoshima;\
                 沖縄県|Okinawa",
    },
    Country { code: "LK", postcodes: "99999", postcode_first: false, needs_postcode: false, states: "" },
    Country {
        code: "MX",
        postcodes: "99999",
        postcode_first: true,
        needs_postcode: true,
        states: "Ags.|Aguascalientes;B.C.|Baja California;B.C.S.|Baja California Sur;Camp.|Campeche;\
                 Chis.|Chiapas;Chih.|Chihuahua;CDMX|Ciudad de México;Coah.|Coahuila de Zaragoza;Col.|Colima;\
                 Dgo.|Durango;Méx.|Estado de México;Gto.|Guanajuato;Gro.|Guerrero;Hgo.|Hidalgo;Jal.|Jalisco;\
                 Mich.|Michoacán;Mor.|Morelos;Nay.|Nayarit;N.L.|Nuevo León;Oax.|Oaxaca;Pue.|Puebla;\
                 Qro.|Querétaro;Q.R.|Quintana Roo;S.L.P.|San Luis Potosí;Sin.|Sinaloa;Son.|Sonora;Tab.|Tabasco;\
                 Tamps.|Tamaulipas;Tlax.|Tlaxcala;Ver.|Veracruz;Yuc.|Yucatán;Zac.|Zacatecas;\
                 Estado de México|Edo. Méx.;Distrito Federal|D.F.",
    },
    Country { code: "NL", postcodes: "9999AA", postcode_first: true, needs_postcode: true, states: "" },
    Country {
        code: "PE",
        postcodes: "99999",
        postcode_first: true,
        needs_postcode: false,
        states: "Amazonas;Áncash;Apurímac;Arequipa;Ayacucho;Cajamarca;Callao;Cuzco;Gobierno Regional de Lima;\
                 Huancavelica;Huánuco;Ica;Junín;La Libertad;Lambayeque;Loreto;Madre de Dios;Moquegua;\
                 Municipalidad Metropolitana de Lima;Pasco;Piura;Puno;San Martín;Tacna;Tumbes;Ucayali",
    },
    Country {
        code: "US",
        postcodes: "99999 999999999",
        postcode_first: false,
        needs_postcode: true,
        states: "AL|Alabama;AK|Alaska;AS|American Samoa;AZ|Arizona;AR|Arkansas;AA|Armed Forces (AA);\
                 AE|Armed Forces (AE);AP|Armed Forces (AP);CA|California;CO|Colorado;CT|Connecticut;DE|Delaware;\
                 DC|District of Columbia;FL|Florida;GA|Georgia;GU|Guam;HI|Hawaii;ID|Idaho;IL|Illinois;\
                 IN|Indiana;IA|Iowa;KS|Kansas;KY|Kentucky;LA|Louisiana;ME|Maine;MH|Marshall Islands;MD|Maryland;\
                 MA|Massachusetts;MI|Michigan;FM|Micronesia;MN|Minnesota;MS|Mississippi;MO|Missouri;MT|Montana;\
                 NE|Nebraska;NV|Nevada;NH|New Hampshire;NJ|New Jersey;NM|New Mexico;NY|New York;\
                 NC|North Carolina;ND|North Dakota;MP|Northern Mariana Islands;OH|Ohio;OK|Oklahoma;OR|Oregon;\
                 PW|Palau;PA|Pennsylvania;PR|Puerto Rico;RI|Rhode Island;SC|South Carolina;SD|South Dakota;\
                 TN|Tennessee;TX|Texas;UT|Utah;VT|Vermont;VI|Virgin Islands;VA|Virginia;WA|Washington;\
                 WV|West Virginia;WI|Wisconsin;WY|Wyoming;D.C.|Washington DC",
    },
];
