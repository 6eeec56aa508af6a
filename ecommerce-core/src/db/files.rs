//! Files that hold e-mails and orders: made so that nobody but their owner reads them, whatever the umask.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// SQLite holds its locks by process, and the system drops them when the process closes the file anywhere. So nobody opens a
/// file for SQLite while another thread, which has made it, has yet to close it.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the database's file, where there is none: SQLite takes an empty one for a new database, and gives its log the same mode.
pub(super) fn make_if_missing(file: &Path) -> io::Result<()> {
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    match make(file) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

/// A file that is there only once it is whole: it goes unless it is kept.
pub(super) struct NewFile {
    path: PathBuf,
    is_whole: bool,
}

impl NewFile {
    /// # Errors
    /// Also when a file of that name is there already, which stays as it is.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        make(path)?;
        Ok(Self { path: path.to_owned(), is_whole: false })
    }

    /// Returns once the file, and that it is in its folder, has reached the disk.
    pub(super) fn keep(mut self) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.path)?.sync_all()?;
        #[cfg(unix)]
        File::open(self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")))?.sync_all()?;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // Whoever cannot write there may not be able to remove it either; the error that led here tells of it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn make(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
