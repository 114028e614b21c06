//! A guest's linear memory as it is before the first call.

/// Where the image starts; address 0 stays empty, so that forgotten pointers are seen.
pub(crate) const IMAGE_BASE: u32 = 1024;
/// Half a MiB of zeros that nothing writes to: text as long as one likes.
pub const BLANK_BASE: u32 = 1 << 19;
/// Where `cabi_realloc` hands out memory, behind any image.
pub const HEAP_BASE: u32 = 1 << 20;
/// Two MiB: the image, the blank and the heap.
pub(crate) const PAGES: u32 = 32;

/// Bytes from [`IMAGE_BASE`] on, handed out area by area.
#[derive(Default)]
pub struct Image(Vec<u8>);

impl Image {
    /// Zeros, aligned for any value.
    pub fn area(&mut self, size: u32) -> u32 {
        while !self.0.len().is_multiple_of(8) {
            self.0.push(0);
        }
        let at = IMAGE_BASE + u32::try_from(self.0.len()).unwrap();
        self.0.resize(self.0.len() + size as usize, 0);
        assert!(
            IMAGE_BASE as usize + self.0.len() <= BLANK_BASE as usize,
            "the image of a guest is too large"
        );
        at
    }

    pub fn bytes(&mut self, at: u32, bytes: &[u8]) {
        let start = (at - IMAGE_BASE) as usize;
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
    }

    pub fn u8(&mut self, at: u32, value: u8) {
        self.bytes(at, &[value]);
    }

    pub fn u32(&mut self, at: u32, value: u32) {
        self.bytes(at, &value.to_le_bytes());
    }

    /// A pointer and a length: a string or a list.
    pub fn span(&mut self, at: u32, pointer: u32, length: u32) {
        self.u32(at, pointer);
        self.u32(at + 4, length);
    }

    pub fn string(&mut self, at: u32, text: &str) {
        self.blob(at, text.as_bytes());
    }

    /// A string or list of bytes, whatever these are.
    pub(crate) fn blob(&mut self, at: u32, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap();
        let pointer = self.area(length);
        self.bytes(pointer, bytes);
        self.span(at, pointer, length);
    }

    /// As the text format of WebAssembly writes data.
    pub(crate) fn to_wat(&self) -> String {
        self.0.iter().map(|byte| format!("\\{byte:02x}")).collect()
    }
}
