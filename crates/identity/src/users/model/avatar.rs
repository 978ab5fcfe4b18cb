use jiff::tz::TimeZone;
use kernel::Result;
use kernel::clock::Timestamp;
use kernel::id::Random;
use platform::storage::ObjectName;
use serde::Serialize;
use uuid::Uuid;

/// The sizes in which a picture is kept, in pixels: of a list, of a page, of a large view.
pub const AVATAR_SIZES: [u32; 3] = [64, 256, 512];

/// The name of a stored picture, `0190…f3.jpg`: a UUIDv7, whose time says in which day's folder it lies, and 64 random
/// bits more, since whoever knows the name may see the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvatarName {
    id: Uuid,
    secret: u64,
    png: bool,
}

impl AvatarName {
    /// Draws a name.
    pub fn random(random: &Random, now: Timestamp, png: bool) -> AvatarName {
        AvatarName { id: random.uuid(now), secret: u64::from_be_bytes(random.bytes()), png }
    }

    /// Reads `<48 hexadecimal digits>.jpg` or `.png`.
    pub fn parse(text: &str) -> Option<AvatarName> {
        let (stem, extension) = text.split_once('.')?;
        let png = match extension {
            "jpg" => false,
            "png" => true,
            _ => return None,
        };
        let hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if stem.len() != 48 || !hex(stem) {
            return None;
        }
        let id = Uuid::try_parse(&stem[..32]).ok().filter(|id| id.get_version_num() == 7)?;
        Some(AvatarName { id, secret: u64::from_str_radix(&stem[32..], 16).ok()?, png })
    }

    fn stem(&self) -> String {
        format!("{}{:016x}", self.id.simple(), self.secret)
    }

    fn extension(&self) -> &'static str {
        if self.png { "png" } else { "jpg" }
    }

    /// `image/jpeg` or `image/png`.
    pub fn media_type(&self) -> &'static str {
        if self.png { "image/png" } else { "image/jpeg" }
    }

    /// The folder of everything that was stored on a day.
    pub fn folder(day: Timestamp) -> Result<ObjectName> {
        let day = day.to_jiff().to_zoned(TimeZone::UTC).date();
        ObjectName::new(&format!("avatars/{:04}{:02}{:02}", day.year(), day.month(), day.day()))
    }

    /// The object that holds a size.
    pub fn object(&self, size: u32) -> Result<ObjectName> {
        let (seconds, _) = self.id.get_timestamp().map(|t| t.to_unix()).unwrap_or_default();
        let micros = i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
        let day = Timestamp::from_micros(micros).or(Timestamp::from_micros(0));
        let folder = AvatarName::folder(day.ok_or_else(|| kernel::Error::internal("the epoch is a time"))?)?;
        ObjectName::new(&format!("{folder}/{}/{size}.{}", self.stem(), self.extension()))
    }

    /// The picture that an object belongs to.
    pub fn of_object(object: &ObjectName) -> Option<AvatarName> {
        let mut parts = object.as_str().rsplit('/');
        let (_, extension) = parts.next()?.split_once('.')?;
        AvatarName::parse(&format!("{}.{extension}", parts.next()?))
    }

    /// The paths under which it is served.
    pub fn paths(&self) -> AvatarPaths {
        let path = |size: u32| format!("/api/v1/avatars/{}/{size}.{}", self.stem(), self.extension());
        let [small, medium, large] = AVATAR_SIZES.map(path);
        AvatarPaths { small, medium, large }
    }
}

impl std::fmt::Display for AvatarName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.stem(), self.extension())
    }
}

/// Where a picture is found, as paths on this server. A new picture has new ones, so that they can be kept for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = Avatar)]
pub struct AvatarPaths {
    /// At most 64 pixels wide.
    pub small: String,
    /// At most 256.
    pub medium: String,
    /// At most 512.
    pub large: String,
}

impl AvatarPaths {
    /// Those of a stored name.
    pub fn of(stored: Option<&str>) -> Option<AvatarPaths> {
        stored.and_then(AvatarName::parse).map(|name| name.paths())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(png: bool) -> AvatarName {
        let now = Timestamp::from_micros(1_780_000_000_000_000).unwrap();
        AvatarName::random(&Random::seeded(7), now, png)
    }

    #[test]
    fn a_name_leads_to_its_objects_and_back() {
        for png in [false, true] {
            let name = name(png);
            assert_eq!(AvatarName::parse(&name.to_string()), Some(name.clone()));
            for size in AVATAR_SIZES {
                let object = name.object(size).unwrap();
                assert!(object.as_str().starts_with("avatars/20260528/"), "{object}");
                assert_eq!(AvatarName::of_object(&object), Some(name.clone()));
            }
            assert!(name.paths().large.ends_with(if png { "/512.png" } else { "/512.jpg" }));
        }
    }

    #[test]
    fn nothing_else_is_a_name() {
        let good = name(false).to_string();
        for bad in
            ["", ".jpg", "../../x.jpg", &good.to_uppercase(), &good.replace(".jpg", ".svg"), &good[1..]]
        {
            assert_eq!(AvatarName::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,60}|[0-9a-f]{40,52}\\.(jpg|png)") {
            if let Some(name) = AvatarName::parse(&text) {
                prop_assert_eq!(name.to_string(), text);
                prop_assert!(name.object(64).is_ok());
            }
        }
    }
}
