//! Who gets the canary: a hash of the request's key decides, so that a key always gets the same answer
//! and the share is as asked. Knows nothing about versions: a swap moves no key.

/// Spreads the bytes of a key over 64 bits: FNV-1a (Fowler, Noll and Vo, 1991), then the finaliser of
/// `SplitMix64`, as FNV's high bits alone are not uniform for short keys.
pub(crate) fn key_hash(salt: u64, key: &[u8]) -> u64 {
    let fnv = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    yard_types::rng::bits(salt, 0, fnv)
}

/// Returns the salt of a model, so that two models split independently.
pub(crate) fn salt(model: &str) -> u64 {
    key_hash(0, model.as_bytes())
}

/// A share of requests as a bound on the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share(u64);

impl Share {
    /// Makes a share of a percentage 0..=100; a larger share holds every key of a smaller one.
    pub(crate) fn percent(percent: f64) -> Self {
        if percent >= 100.0 {
            return Self(u64::MAX);
        }
        Self((percent.max(0.0) / 100.0 * 18_446_744_073_709_551_616.0) as u64)
    }

    /// Returns whether a key belongs to the share.
    pub(crate) fn holds(self, hash: u64) -> bool {
        hash < self.0 || self.0 == u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_as_asked_within_three_sigma_and_nested() {
        let salt = salt("churn");
        let keys = 100_000_u32;
        for percent in [0.0, 0.5, 1.0, 10.0, 50.0, 99.0, 100.0] {
            let (share, wider) = (Share::percent(percent), Share::percent(percent + 5.0));
            let mut got = 0_u32;
            for key in 0..keys {
                let hash = key_hash(salt, format!("request-{key}").as_bytes());
                got += u32::from(share.holds(hash));
                assert!(wider.holds(hash) || !share.holds(hash));
            }
            let p = percent / 100.0;
            let sigma = (f64::from(keys) * p * (1.0 - p)).sqrt();
            let difference = (f64::from(got) - p * f64::from(keys)).abs();
            assert!(difference <= 3.0 * sigma, "{percent} %: {got}");
        }
    }

    #[test]
    fn two_models_split_independently() {
        let (a, b) = (salt("a"), salt("b"));
        let share = Share::percent(50.0);
        let both = (0..10_000_u32)
            .filter(|key| {
                let key = key.to_string();
                share.holds(key_hash(a, key.as_bytes())) && share.holds(key_hash(b, key.as_bytes()))
            })
            .count();
        assert!((2_370..=2_630).contains(&both), "{both} of 10000, expected 2500 within 3 sigma");
    }
}
