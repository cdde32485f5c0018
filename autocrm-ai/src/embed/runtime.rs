//! The ONNX Runtime library, opened once per process.

use std::{path::Path, sync::Mutex, sync::PoisonError};

use autocrm_core::error::{Error, ErrorKind, Result};
use ort::environment::Environment;

/// The oldest ONNX Runtime that serves, as the minor version of 1.x.
const OLDEST: &str = "1.24";

/// Kept for the life of the process: the runtime allows one environment.
static OPENED: Mutex<Option<Environment>> = Mutex::new(None);

/// ONNX Runtime, opened from a shared library. Clones are handles on the same library.
#[derive(Debug, Clone)]
pub struct OnnxRuntime {
    environment: Environment,
}

impl OnnxRuntime {
    /// Opens the shared library at `library`, such as `libonnxruntime.so`. A process opens one library: later calls
    /// return it, whatever path they name.
    ///
    /// # Errors
    ///
    /// `NotFound` without such a file; `Unsupported` for a file that is no ONNX Runtime of version 1.24 or newer for
    /// this machine.
    pub fn open(library: &Path) -> Result<Self> {
        let error = |kind| Error::new(kind, "onnx_runtime.open");
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = &*opened {
            return Ok(Self { environment: environment.clone() });
        }
        // The loader takes a relative path as one beside the program.
        let path = library
            .canonicalize()
            .map_err(|source| error(ErrorKind::NotFound).context(library.display()).source(source))?;
        let builder = ort::init_from(&path).map_err(|source| {
            error(ErrorKind::Unsupported).context(format!("{OLDEST} or newer is needed")).source(source)
        })?;
        let environment = builder
            .with_name("autocrm")
            .with_telemetry(false)
            .build()
            .map_err(|source| error(ErrorKind::Internal).source(source.to_string()))?;
        *opened = Some(environment.clone());
        Ok(Self { environment })
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }
}
