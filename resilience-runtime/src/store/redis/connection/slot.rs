//! Which of the 16,384 parts of a cluster a key is in.

/// The number of the slot: of what stands between the first `{` and the next `}`, so that all keys of one record
/// are in one.
pub(super) fn of(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty())
        .unwrap_or(key);
    crc16(tag.as_bytes()) % 16_384
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_that_servers_compute() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(of("foo"), 12_182);
        assert_eq!(of("resilience:{foo}:waiters"), 12_182);
        assert_eq!(of("{}foo"), crc16(b"{}foo") % 16_384);
    }
}
