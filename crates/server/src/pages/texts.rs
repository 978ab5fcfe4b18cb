//! What pages for customers say, in each language that they have.

use super::mail_link::Kind;

/// The texts of one language.
#[derive(Clone, Copy)]
pub(super) enum Texts {
    English,
    Spanish,
}

/// The texts in `lang`.
pub(super) fn of(lang: &str) -> Texts {
    match lang {
        "es" => Texts::Spanish,
        _ => Texts::English,
    }
}

/// A page that is not there.
pub(super) struct Missing {
    pub title: &'static str,
    pub why: &'static str,
    pub home: &'static str,
}

/// What one kind of link says.
pub(super) struct Link {
    pub title: &'static str,
    pub why: &'static str,
    pub label: &'static str,
    pub button: &'static str,
    pub wrong_password: &'static str,
    /// `{email}` stands for the address.
    pub done: &'static str,
}

/// What all kinds of links say.
pub(super) struct Common {
    pub show: &'static str,
    pub other: &'static str,
    pub other_why: &'static str,
    pub other_label: &'static str,
    pub other_button: &'static str,
    pub needs_script: &'static str,
    pub working: &'static str,
    pub no_token: &'static str,
    pub link_invalid: &'static str,
    pub unreachable: &'static str,
    /// `{seconds}` stands for the wait.
    pub busy: &'static str,
    /// `{id}` stands for the request id.
    pub failed: &'static str,
    /// Codes of a password that is refused, and what to do.
    pub password_faults: [(&'static str, String); 4],
}

impl Texts {
    pub(super) fn missing(self) -> &'static Missing {
        match self {
            Texts::English => &Missing {
                title: "There is no such page",
                why: "The address may be misspelt, or the page is gone.",
                home: "To the start page",
            },
            Texts::Spanish => &Missing {
                title: "No existe esa página",
                why: "Puede que la dirección esté mal escrita o que la página ya no exista.",
                home: "Ir a la página de inicio",
            },
        }
    }

    pub(super) fn link(self, kind: Kind) -> Link {
        match self {
            Texts::English => english(kind),
            Texts::Spanish => spanish(kind),
        }
    }

    pub(super) fn common(self, shortest_password: usize) -> Common {
        match self {
            Texts::English => common_english(shortest_password),
            Texts::Spanish => common_spanish(shortest_password),
        }
    }
}

fn english(kind: Kind) -> Link {
    let wrong_password = "That is not the password of this account. Try again.";
    match kind {
        Kind::Verify => Link {
            title: "Confirm your address",
            why: "Enter the password of your account to confirm that this address is yours.",
            label: "Your password",
            button: "Confirm address",
            wrong_password,
            done: "Done: {email} is confirmed. You can close this page and go on where you were.",
        },
        Kind::Claim => Link {
            title: "Your account",
            why: "Choose a password for your account. You will log in with it and with the address to which the mail went.",
            label: "New password",
            button: "Set password",
            wrong_password,
            done: "Done: your account is ready. Log in as {email} with the password that you chose; you can close this page.",
        },
        Kind::Change => Link {
            title: "Confirm your new address",
            why: "Enter the password of your account. From then on this address replaces the old one.",
            label: "Your password",
            button: "Use this address",
            wrong_password,
            done: "Done: your address is now {email}. Log in with it from now on; you can close this page.",
        },
    }
}

fn spanish(kind: Kind) -> Link {
    let wrong_password = "Esa no es la contraseña de esta cuenta. Inténtelo de nuevo.";
    match kind {
        Kind::Verify => Link {
            title: "Confirme su correo electrónico",
            why: "Escriba la contraseña de su cuenta para confirmar que esta dirección es suya.",
            label: "Su contraseña",
            button: "Confirmar dirección",
            wrong_password,
            done: "Listo: {email} está confirmada. Puede cerrar esta página y continuar donde estaba.",
        },
        Kind::Claim => Link {
            title: "Su cuenta",
            why: "Elija una contraseña para su cuenta. Con ella y con la dirección que recibió el correo podrá iniciar sesión.",
            label: "Contraseña nueva",
            button: "Guardar contraseña",
            wrong_password,
            done: "Listo: su cuenta está preparada. Inicie sesión como {email} con la contraseña que eligió; puede cerrar esta página.",
        },
        Kind::Change => Link {
            title: "Confirme su nuevo correo electrónico",
            why: "Escriba la contraseña de su cuenta. Desde ese momento esta dirección sustituye a la anterior.",
            label: "Su contraseña",
            button: "Usar esta dirección",
            wrong_password,
            done: "Listo: su dirección es ahora {email}. Úsela desde ahora para iniciar sesión; puede cerrar esta página.",
        },
    }
}

fn common_english(shortest: usize) -> Common {
    Common {
        show: "Show the password",
        other: "I do not know the password",
        other_why: "Choose a new password. It replaces the old one, and every device that is logged in is logged out.",
        other_label: "New password",
        other_button: "Set password and confirm address",
        needs_script: "This page needs JavaScript to send what the link holds. Turn it on, or open the link in another browser.",
        working: "One moment …",
        no_token: "This page belongs to a link in a mail. Open the whole link from the mail, or copy all of it into the address bar.",
        link_invalid: "This link was used before, has expired, or was replaced by a newer one. Look for a newer mail; if there is none, ask for another link where you asked for this one.",
        unreachable: "The server could not be reached. Nothing has changed; look at your connection and try again.",
        busy: "The server is busy. Wait {seconds} seconds and try again; the link still works.",
        failed: "That did not work, and it is not your fault. Try again later; if it stays so, tell whoever runs this service this number: {id}",
        password_faults: [
            ("too_short", format!("Too short: at least {shortest} characters.")),
            ("too_long", "Too long: at most 128 characters.".to_owned()),
            (
                "common_password",
                "This password is among the first that others would try. Choose another.".to_owned(),
            ),
            (
                "personal_password",
                "This password is mostly your own name or address. Choose another.".to_owned(),
            ),
        ],
    }
}

fn common_spanish(shortest: usize) -> Common {
    Common {
        show: "Mostrar la contraseña",
        other: "No sé la contraseña",
        other_why: "Elija una contraseña nueva. Sustituye a la anterior y se cierra la sesión en todos los dispositivos.",
        other_label: "Contraseña nueva",
        other_button: "Guardar contraseña y confirmar dirección",
        needs_script: "Esta página necesita JavaScript para enviar lo que contiene el enlace. Actívelo o abra el enlace en otro navegador.",
        working: "Un momento …",
        no_token: "Esta página corresponde a un enlace de un correo. Abra el enlace completo desde el correo o cópielo entero en la barra de direcciones.",
        link_invalid: "Este enlace ya se usó, ha caducado o lo sustituye otro más reciente. Busque un correo más reciente; si no lo hay, pida otro enlace donde pidió este.",
        unreachable: "No se pudo contactar con el servidor. Nada ha cambiado; revise su conexión e inténtelo de nuevo.",
        busy: "El servidor está ocupado. Espere {seconds} segundos e inténtelo de nuevo; el enlace sigue siendo válido.",
        failed: "No ha funcionado, y no es culpa suya. Inténtelo más tarde; si sigue igual, comunique este número a quien lleva este servicio: {id}",
        password_faults: [
            ("too_short", format!("Demasiado corta: al menos {shortest} caracteres.")),
            ("too_long", "Demasiado larga: 128 caracteres como máximo.".to_owned()),
            (
                "common_password",
                "Esta contraseña es de las primeras que otros probarían. Elija otra.".to_owned(),
            ),
            (
                "personal_password",
                "Esta contraseña es sobre todo su propio nombre o dirección. Elija otra.".to_owned(),
            ),
        ],
    }
}
